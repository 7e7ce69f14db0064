"""A judge as a second opinion, and the measure it has to come up to."""
