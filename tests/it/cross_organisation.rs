//! Agents of two organisations, each with a Verdict of its own, prove to each other who they are.

mod assertions;
mod exchange;
mod names;
mod published;
mod world;
