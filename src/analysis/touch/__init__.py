"""What a touch does: policies, strategies, the simulator."""
