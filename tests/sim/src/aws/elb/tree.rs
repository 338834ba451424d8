//! Parts of a request that are kept and told as they came: forms and XML nest alike.

use std::collections::BTreeMap;

use crate::aws::Call;
use crate::aws::answer::Xml;

/// A text, fields, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    Text(String),
    Fields(BTreeMap<String, Tree>),
    /// `Name.member.N` in a form, `<member>` in XML.
    List(Vec<Tree>),
    /// `Name.entry.N.key` and `.value`; `<entry>` with the same in XML.
    Map(BTreeMap<String, String>),
}

impl Default for Tree {
    fn default() -> Self {
        Self::Fields(BTreeMap::new())
    }
}

impl Tree {
    /// What a request says below a name. `None`: nothing.
    pub fn read(call: &Call, name: &str) -> Option<Self> {
        if let Some(text) = call.parameters.get(name) {
            return Some(Self::Text(text.clone()));
        }
        let prefix = format!("{name}.");
        let below = call.parameters.range(prefix.clone()..).map(|(key, _)| key);
        let mut names: Vec<&str> = below
            .take_while(|key| key.starts_with(&prefix))
            .filter_map(|key| key[prefix.len()..].split('.').next())
            .collect();
        names.dedup();
        if names.is_empty() {
            None
        } else if names == ["member"] {
            let items = call.items(name);
            Some(Self::List(items.iter().filter_map(|item| Self::read(call, item)).collect()))
        } else if names == ["entry"] {
            let text = |name: &str| call.parameters.get(name).cloned().unwrap_or_default();
            let items = call.items(&format!("{prefix}entry")).into_iter();
            let entry = |item: String| (text(&format!("{item}.key")), text(&format!("{item}.value")));
            Some(Self::Map(items.map(entry).collect()))
        } else {
            let field = |field: &str| Some((field.to_owned(), Self::read(call, &format!("{prefix}{field}"))?));
            Some(Self::Fields(names.into_iter().filter_map(field).collect()))
        }
    }

    /// The text of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self {
            Self::Fields(fields) => match fields.get(field)? {
                Self::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The names of its fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let fields = if let Self::Fields(fields) = self { Some(fields) } else { None };
        fields.into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }

    /// Adds a field where there is none of the name.
    pub fn fill(&mut self, field: &str, text: &str) {
        if let Self::Fields(fields) = self {
            fields.entry(field.to_owned()).or_insert_with(|| Self::Text(text.to_owned()));
        }
    }

    pub fn remove(&mut self, field: &str) {
        if let Self::Fields(fields) = self {
            fields.remove(field);
        }
    }

    /// Adds it to elements, under a name.
    pub fn write(&self, xml: Xml, name: &str) -> Xml {
        match self {
            Self::Text(text) => xml.text(name, text),
            other => xml.nested(name, other.inner()),
        }
    }

    /// What stands inside its element; a text has nothing but itself.
    pub fn inner(&self) -> Xml {
        match self {
            Self::Text(_) => Xml::new(),
            Self::Fields(fields) => fields.iter().fold(Xml::new(), |xml, (name, field)| field.write(xml, name)),
            Self::List(items) => items.iter().fold(Xml::new(), |xml, item| item.write(xml, "member")),
            Self::Map(entries) => entries.iter().fold(Xml::new(), |xml, (key, value)| {
                xml.nested("entry", Xml::new().text("key", key).text("value", value))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Scope;

    #[test]
    fn what_comes_in_as_a_form_goes_out_as_xml() {
        let form = "A.Name=x&A.Values.member.1=b&A.Values.member.2=a&A.Extra.entry.1.key=k&A.Extra.entry.1.value=v\
                    &A.Claims.member.1.Name=c&Ab=no";
        let call = Call::read(form.as_bytes(), Scope { account: "1".into(), region: "r".into() });
        let tree = Tree::read(&call, "A").unwrap();
        assert_eq!(tree.text("Name"), Some("x"));
        assert_eq!(
            tree.write(Xml::new(), "A").to_string(),
            "<A><Claims><member><Name>c</Name></member></Claims><Extra><entry><key>k</key><value>v</value></entry></Extra>\
             <Name>x</Name><Values><member>b</member><member>a</member></Values></A>"
        );
        assert_eq!(Tree::read(&call, "None"), None);
    }
}
