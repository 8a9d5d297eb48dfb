"""Who the customers are: tiers by rule, clusters by algorithm."""
