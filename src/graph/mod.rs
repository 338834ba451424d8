//! Pure: who may reach whom, as a picture in Mermaid, DOT or SVG.
//!
//! ```text
//! objects, groups, plans ─► compose ─► Drawing ─► mermaid, dot
//!                                         └─► layout ─► svg
//! ```

mod blocks;
mod compose;
mod depths;
mod dot;
mod drawing;
mod layout;
mod mermaid;
mod metric;
mod order;
mod peers;
mod standing;
mod style;
mod svg;
mod text;

#[cfg(test)]
pub(crate) mod estates;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::model::{Declaration, GroupKey, GroupState, Held, ObjectRef, Resolution, Step, Us};

pub use dot::dot;
pub use drawing::Drawing;
use drawing::{Edge, Line, Node, NodeKind, Section, State};
pub use mermaid::mermaid;
pub use svg::svg;

/// What a picture is made of.
#[derive(Clone, Copy, Debug)]
pub struct Estate<'a> {
    pub us: &'a Us,
    /// The objects that are drawn, with what was found for each.
    pub objects: &'a BTreeMap<ObjectRef, (&'a Declaration, &'a Resolution)>,
    /// The groups that could be read; one that an object names and that is not here is drawn as not read.
    pub groups: &'a BTreeMap<GroupKey, &'a GroupState>,
    /// The steps that are foreseen, of all groups.
    pub steps: &'a [Step],
    /// The steps that wait, of all groups.
    pub held: &'a [Held],
}
