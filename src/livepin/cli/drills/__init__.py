"""What `livepin drill` plays: a thief of one thing, an operator with a command line, a running application."""
