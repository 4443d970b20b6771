-- Role and database of the store. The product makes its tables itself when it opens the store for the first time.
-- psql -f store.sql -v password="'...'" as an administrator of PostgreSQL.
CREATE ROLE alloyscan LOGIN PASSWORD :password;
CREATE DATABASE alloyscan OWNER alloyscan ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE alloyscan FROM PUBLIC;
