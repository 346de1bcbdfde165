//! Sets the linker flags that a Node addon needs.

fn main() {
    #[cfg(feature = "napi")]
    napi_build::setup();
}
