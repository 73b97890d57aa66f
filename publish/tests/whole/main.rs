//! The whole command, from its arguments to what is in the cloud. One program, because each costs half a minute to link.
//!
//! What is ignored needs `ci/test-publish`.

mod aliyun;
mod aws;
mod checks;
mod concurrent;
mod faults;
mod hostile;
mod index;
mod kill;
mod measure;
mod regions;
mod support;
