"""What programs in other languages see of the components: their schema, and a page of it."""
