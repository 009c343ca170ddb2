"""An outside plugin of Symbi."""
