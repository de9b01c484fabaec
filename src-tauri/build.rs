//! Sees to it that there is a page to embed, and lets Tauri write the permissions of our three commands.

use std::path::Path;

/// Shown when the shell was built before the page: says what to do, instead of a blank window.
const PLACEHOLDER: &str = "<!doctype html><meta charset=\"utf-8\"><title>Kopi</title>\
    <p>The page was not built yet: run <code>cargo xtask run</code>.</p>\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page = Path::new("../ui/dist/index.html");
    println!("cargo:rerun-if-changed=../ui/dist");
    if !page.exists() {
        std::fs::create_dir_all("../ui/dist")?;
        std::fs::write(page, PLACEHOLDER)?;
    }
    let commands = tauri_build::AppManifest::new().commands(&["query", "act", "subscribe"]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands))?;
    Ok(())
}
