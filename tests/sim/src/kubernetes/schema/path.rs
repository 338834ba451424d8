//! Where in an object something is, without allocation until it is written.

use std::fmt;

/// A place such as `spec.listeners[0].port`: a step below another place.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Item(usize),
    /// Key of a map, which validation writes in brackets.
    Key(&'a str),
}

impl<'a> Path<'a> {
    pub const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    pub fn field(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Field(name) }
    }

    pub fn item(&'a self, number: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Item(number) }
    }

    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    /// `metadata` of the object itself has its own rules.
    pub fn is_metadata(&self) -> bool {
        matches!((self.step, self.parent), (Step::Field("metadata"), Some(Path { step: Step::Root, .. })))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else { return Ok(()) };
        parent.fmt(f)?;
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) if parent.parent.is_none() => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Item(number) => write!(f, "[{number}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}
