"""The network proof and the guards: pure functions over a resource graph, and the policy pack that runs them."""
