//! Tokens of every kind against the authenticator, keys from real sockets and files.

mod attacks;
mod cache;
mod cases;
mod configuration;
mod dev;
mod jwks;
mod served;
mod support;
