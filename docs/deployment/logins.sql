-- Database, roles and logins of Ostiary, once per PostgreSQL server (15 or later): run by a superuser in psql, before
-- `ostiary migrate`. Passwords come from files; docker-compose.yml mounts them as secrets.
--
-- None of the logins is a superuser, and none can make roles. The owner makes and changes tables and is used by
-- `ostiary migrate`, `ostiary init` and the other commands of an administrator; the API and the workers cannot change the
-- schema, and what they may do with the rows is in migrations/.
\set ON_ERROR_STOP on
\set owner_password `cat /run/secrets/database_owner_password`
\set api_password `cat /run/secrets/database_api_password`
\set worker_password `cat /run/secrets/database_worker_password`

-- What the migrations grant rights to (0001-roles.sql). Nobody logs in as these.
create role ostiary_app nologin;
create role ostiary_gate nologin;
create role ostiary_worker nologin;
create role ostiary_auditor nologin;

create role ostiary_owner login password :'owner_password';
create role ostiary_api login password :'api_password';
create role ostiary_jobs login password :'worker_password';

-- The migrations hand the facts functions over to the gate, so their owner has to be a member of it. The other two may be
-- what they are for and nothing else.
grant ostiary_gate to ostiary_owner;
grant ostiary_app to ostiary_api;
grant ostiary_worker to ostiary_jobs;

create database ostiary owner ostiary_owner template template0 encoding 'UTF8';
revoke all on database ostiary from public;
grant connect on database ostiary to ostiary_api, ostiary_jobs;
