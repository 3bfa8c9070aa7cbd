#!/bin/sh
# The application owns its tables without being a superuser, whom row-level security would not bind.
# CREATEROLE: the first migration creates the role erp_tenant.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$POSTGRES_PASSWORD" --username postgres <<'SQL'
CREATE ROLE erp_owner LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE erp_core OWNER erp_owner;
SQL
