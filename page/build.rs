//! The page's module is cut into parts (xtask/src/front/parts.rs): the linker has to leave its relocations in it, which say which
//! function needs which.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
    }
}
