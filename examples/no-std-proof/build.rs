//! Links without the C start-up files, which call a `main` that this program has not, and with the
//! C library for `memcpy` and its like.

fn main() {
    println!("cargo:rustc-link-arg-bins=-nostartfiles");
    println!("cargo:rustc-link-arg-bins=-lc");
}
