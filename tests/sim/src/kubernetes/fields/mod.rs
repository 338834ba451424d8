//! Who owns which fields: server-side apply.
//!
//! Source: "Server-Side Apply"; the algorithms are those of structured-merge-diff v6, which a kube-apiserver uses. What
//! only very many or very old managers cause there (`before-first-apply`, `ancient-changes`) does not happen here.

mod managers;
mod set;
mod typed;

pub use managers::{Managers, Operation, Writer};
pub use typed::check;
