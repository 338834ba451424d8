//! What the commands that need neither a cluster nor AWS print: the scripts in `tests/cmd`, which read like a terminal.
//!
//! `TRYCMD=overwrite cargo test --test it commands` writes anew what is expected; `...` stands for any lines, and `[..]`
//! for anything within one.

#[test]
fn print_what_the_scripts_say() {
    trycmd::TestCases::new()
        .register_bin("sgbind", trycmd::schema::Bin::Path(env!("CARGO_BIN_EXE_sgbind").into()))
        .env("NO_COLOR", "1")
        .case("tests/cmd/*.trycmd");
}
