//! VimbisoPay's conversations against a real server: the channel and its roles, the first bot's
//! users, and their import.

mod bot;
mod cached_user;
mod channel;
mod channel_api;
mod channel_errors;
mod channel_roles;
mod compile_fail;
mod import;
mod import_again;
mod import_all;
mod import_django;
mod import_documents;
mod import_killed;
mod import_program;
mod import_rejected;
mod keys;
mod menu;
mod pickled;
