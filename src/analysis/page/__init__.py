"""What a page is made of, and how a block becomes HTML."""
