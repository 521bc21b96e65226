//! Log lines, where the program that runs the application wants them.

/// Says what happened, for a person who looks into it.
macro_rules! note {
    ($level:ident, $($arg:tt)*) => {{
        #[cfg(feature = "log")]
        ::log::$level!($($arg)*);
        #[cfg(not(feature = "log"))]
        let _ = format_args!($($arg)*);
    }};
}

pub(crate) use note;
