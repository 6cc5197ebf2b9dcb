"""What the end-to-end stories stand on: a real postern, real upstreams, real keys and raw sockets."""
