"""The relationship clock: contacts are deleted, by the customer or by staff, or are still there."""
