//! The shapes of answers: how the AWS CLI's JSON names a field, how AWS's XML does, and what it holds. One table, read in
//! both directions.
//!
//! Source: AWS's API models, which the CLI and the SDKs are generated from (`botocore/data/ec2/2016-11-15`,
//! `botocore/data/elbv2/2015-12-01`). Fields of no use to a network are left out, and so is everything secret.

pub mod ec2;
pub mod elb;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Strings, enumerations and times: of these the CLI's text is as good as the API's.
    Text,
    /// A whole number.
    Number,
    Truth,
    List(&'static Shape),
    Structure(&'static [Field]),
}

/// A field of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub json: &'static str,
    pub xml: &'static str,
    pub shape: Shape,
}

impl Shape {
    /// What a person is told to write.
    pub fn expected(&self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a whole number",
            Self::Truth => "true or false",
            Self::List(_) => "a list",
            Self::Structure(_) => "an object",
        }
    }
}

macro_rules! shape {
    (text) => { $crate::aws::snapshot::shapes::Shape::Text };
    (number) => { $crate::aws::snapshot::shapes::Shape::Number };
    (truth) => { $crate::aws::snapshot::shapes::Shape::Truth };
    ([$($item:tt)+]) => { $crate::aws::snapshot::shapes::Shape::List(&shape!($($item)+)) };
    ($structure:ident) => { $structure };
}
use shape;

/// Structures of EC2, a constant each: `JsonName xmlName: what it holds`.
macro_rules! ec2_structures {
    ($($name:ident { $($json:ident $xml:ident: $shape:tt),* $(,)? })*) => {$(
        pub const $name: $crate::aws::snapshot::shapes::Shape = $crate::aws::snapshot::shapes::Shape::Structure(&[$(
            $crate::aws::snapshot::shapes::Field { json: stringify!($json), xml: stringify!($xml), shape: shape!($shape) }
        ),*]);
    )*};
}
use ec2_structures;

/// Structures of Elastic Load Balancing, whose JSON and XML have the same names.
macro_rules! elb_structures {
    ($($name:ident { $($json:ident: $shape:tt),* $(,)? })*) => {
        ec2_structures! { $($name { $($json $json: $shape),* })* }
    };
}
use elb_structures;
