//! Containers: the engine of this machine, images, and rooms in which programs see nothing but what they are given.
//!
//! Two engines are known by name, and told apart by what they answer only. Everything goes through their
//! command-line programs: these are what a user can run, has configured and may use.

mod engine;
mod failure;
mod image;
mod room;

pub use engine::{Engine, User};
pub use failure::Failure;
pub use image::Image;
pub use room::{Container, Mount, Network, Order, Stdin, remove_leftovers};
