"""Every network resource of a running stack in turn: taken away in the lab's clouds, and asked of packets and proof."""
