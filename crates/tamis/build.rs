//! Links the program with packed relative relocations (RELR): half a million of them, mostly DataFusion's
//! tables of functions, would otherwise cost each start, of `tamis search` too, milliseconds.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
