"""A small stand-in for Odoo's sources: what setup_odoo_lxc and the product's client use of its command line and web server."""
