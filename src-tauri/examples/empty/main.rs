//! An empty Tauri window in its default settings: what Kopi's window is measured against (`cargo xtask bench`).

fn main() -> tauri::Result<()> {
    tauri::Builder::default().run(tauri::generate_context!("examples/empty/tauri.conf.json"))
}
