//! The language model: providers over HTTP, what they may change (nothing).

mod agreement;
mod bodies;
mod command;
mod gateway;
mod injection;
mod providers;
mod server;
mod streams;
mod voice;
