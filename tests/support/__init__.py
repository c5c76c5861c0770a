"""What the tests share: servers, warehouses, tenants, clocks, and what is true of them."""
