//! With the feature `wdk`: options for the linker and places of libraries, as the WDK has them.

fn main() {
    #[cfg(all(windows, feature = "wdk"))]
    if let Err(error) = wdk_build::configure_wdk_binary_build() {
        println!("cargo::error={error}");
    }
}
