//! A row of a table, played in a world of its own, and shown in the page as it was played.

use std::thread;

use super::page;
use crate::world::{Controller, Estate, World};

pub struct Row {
    id: &'static str,
    text: String,
    pub world: World,
    _controller: Controller,
    shown: bool,
}

impl Row {
    /// A world with this in AWS, and a controller. The situation's first sentence stands in the page's contents, too.
    pub async fn new(id: &'static str, situation: &str, estate: Estate) -> Self {
        let world = World::with(estate).await;
        let controller = world.controller(&[]).await;
        let mut row = Self { id, text: String::new(), world, _controller: controller, shown: false };
        row.say(situation);
        row
    }

    /// Words before what follows.
    pub fn say(&mut self, words: &str) {
        self.text += &format!("\n{}\n", page::wrapped(words));
    }

    /// Applies the binding `shop` with this spec, and shows all of it.
    pub async fn bind(&mut self, spec: &str) {
        self.apply("ALBTargetBinding", "shop", spec).await;
    }

    /// Applies an object of ours, and shows the very text.
    pub async fn apply(&mut self, kind: &str, name: &str, spec: &str) {
        let text = page::document(kind, name, spec);
        self.text += &format!("\n```yaml\n{text}```\n");
        self.world.apply_document(&text).await;
    }

    /// Waits for a condition of a binding, and shows it with its message.
    pub async fn told(&mut self, name: &str, condition: &str) -> String {
        let message = self.world.wait_for(name, condition).await;
        let message = self.world.named(message);
        self.say(&format!("`{condition}`: {message}"));
        message
    }

    /// Exactly these rules are in AWS. They are shown as they were read.
    pub async fn rules(&mut self, expected: &[&str]) {
        let read = self.world.rules().await;
        crate::world::expect_lines("rules", &read, expected);
        let lines = if read.is_empty() { "no rule".to_owned() } else { read.join("\n") };
        self.text += &format!("\n```text\n{lines}\n```\n");
    }

    /// The section of the page shows just this, or is made to.
    pub fn show(mut self) {
        self.shown = true;
        page::shows(self.id, &self.text);
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        assert!(self.shown || thread::panicking(), "{} was not compared with the page", self.id);
    }
}
