//! What the project promises: each promise with the test that holds it, and with a defect that this test notices.
//!
//! Each makes two tests. `holds` plays the scenario. `notices` plays it with the defect switched on, and fails if the
//! scenario does not. The table is shown in `docs/promises.md`.

mod brake;
mod contested;
mod held;
mod holding;
mod ownership;
mod page;
mod quota;
mod sharing;
mod stand;
mod table;
mod tightening;
mod told;
mod virtually;
