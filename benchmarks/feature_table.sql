-- The feature table as one would write it by hand for DuckDB: same customers, same columns.
-- {{as_of}} is the day; {{counts}} and {{names}} hold a line per channel, step and window.
with back as (
  select order_id, sum(amount) as back from '{refunds}' where refunded_on <= date '{as_of}' and order_id is not null group by 1
),
purchases as (
  select customer_id, ordered_on, ordered_hour, amount - coalesce(back, 0) as amount, discount, quantity, coupon_id, category
  from '{orders}' left join back using (order_id)
  where ordered_on <= date '{as_of}' and customer_id is not null and (back is null or amount - back > 0.005)
),
visits as (
  select *,
    lag(ordered_on) over (partition by customer_id order by ordered_on) as previous_on,
    min(ordered_on) over (partition by customer_id) as first_on
  from (select customer_id, ordered_on, ordered_hour, amount, discount, quantity, coupon_id is not null as coupon from purchases)
),
of_orders as (
  select customer_id, count(*)::int as n_orders, sum(amount) as revenue, sum(amount) / count(*) as mean_order_value,
    min(ordered_on) as first_order_on, max(ordered_on) as last_order_on,
    (date '{as_of}' - max(ordered_on))::int as days_since_last_order, (date '{as_of}' - min(ordered_on))::int as tenure_days,
    count(case when ordered_on > previous_on then 1 end)::int as frequency,
    (max(ordered_on) - min(ordered_on))::double as recency, (date '{as_of}' - min(ordered_on))::double as T,
    coalesce(sum(case when ordered_on > first_on then amount end) / nullif(count(case when ordered_on > previous_on then 1 end), 0), 0) as monetary_value,
    count(case when ordered_on > date '{as_of}' - 30 then 1 end)::int as n_orders_30d,
    count(case when ordered_on > date '{as_of}' - 90 then 1 end)::int as n_orders_90d,
    count(case when ordered_on > date '{as_of}' - 180 then 1 end)::int as n_orders_180d,
    count(case when ordered_on > date '{as_of}' - 365 then 1 end)::int as n_orders_365d,
    avg(case when ordered_on > date '{as_of}' - 90 then amount end) / nullif(avg(case when ordered_on <= date '{as_of}' - 90 then amount end), 0) as order_value_trend,
    count(case when isodow(ordered_on) >= 6 then 1 end) / count(*) as share_weekend,
    count(case when ordered_hour between 0 and 5 then 1 end) / count(*) as share_night,
    count(case when ordered_hour between 6 and 11 then 1 end) / count(*) as share_morning,
    count(case when ordered_hour between 12 and 17 then 1 end) / count(*) as share_afternoon,
    count(case when ordered_hour between 18 and 23 then 1 end) / count(*) as share_evening,
    coalesce(sum(discount) / nullif(sum(discount) + sum(amount), 0), 0) as discount_share,
    count(case when coupon then 1 end) / count(*) as coupon_share, sum(quantity) / count(*) as mean_quantity,
    median(case when ordered_on > previous_on then ordered_on - previous_on end) as median_gap_days,
    stddev_samp(case when ordered_on > previous_on then ordered_on - previous_on end) as std_gap_days,
    max(case when ordered_on > previous_on then previous_on end) as last_but_one_on
  from visits group by customer_id
),
of_categories as (
  select customer_id, count(*)::int as n_categories, max(n) / sum(n) as top_category_share
  from (select customer_id, category, count(*) as n from purchases where category is not null group by 1, 2) group by 1
),
of_refunds as (
  select customer_id, count(*)::int as n_refunds, sum(amount) as refunded
  from '{refunds}' where refunded_on <= date '{as_of}' and order_id is not null and customer_id is not null group by 1
),
steps as (
  select customer_id, channel, assigned_on,
    case when delivered_on <= date '{as_of}' then delivered_on end as delivered_on,
    case when read_on <= date '{as_of}' then read_on end as read_on,
    case when replied_on <= date '{as_of}' then replied_on end as replied_on
  from '{touches}' where assigned_on <= date '{as_of}'
),
of_touches as (
  select customer_id,
    max(delivered_on) as touched_on, max(read_on) as last_read_on, max(replied_on) as last_replied_on{counts}
  from steps group by 1
),
of_contacts as (
  select customer_id,
    count(case when deleted_on is null or deleted_on > date '{as_of}' then 1 end)::int as n_contacts,
    count(case when deleted_on <= date '{as_of}' then 1 end)::int as n_contacts_deleted,
    max(added_on) as contact_added_on, max(case when deleted_on <= date '{as_of}' then deleted_on end) as contact_deleted_on
  from '{contacts}' where added_on <= date '{as_of}' group by 1
)
select o.* exclude (last_but_one_on),
  (last_order_on - last_but_one_on) / (recency / nullif(frequency, 0)) as last_gap_ratio,
  days_since_last_order / nullif(median_gap_days, 0) as overdue_ratio,
  n_categories, top_category_share, coalesce(n_refunds, 0) as n_refunds,
  coalesce(refunded / nullif(revenue + refunded, 0), 0) as refund_share,
  (date '{as_of}' - touched_on)::double as days_since_last_touch, (date '{as_of}' - last_read_on)::double as days_since_last_read,
  (date '{as_of}' - last_replied_on)::double as days_since_last_reply{names},
  coalesce(n_contacts, 0) as n_contacts, coalesce(n_contacts_deleted, 0) as n_contacts_deleted,
  (date '{as_of}' - contact_added_on)::double as days_since_contact_added,
  (date '{as_of}' - contact_deleted_on)::double as days_since_contact_deleted
from of_orders o left join of_categories using (customer_id) left join of_refunds using (customer_id)
  left join of_touches using (customer_id) left join of_contacts using (customer_id)
order by customer_id
