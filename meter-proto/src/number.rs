//! Enumerations that are numbers on the wire, in flash, or in the detail of an event.

/// Declares an enumeration with the number of each value written beside it, and goes both ways.
macro_rules! numbered {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$of_value:meta])* $value:ident = $number:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[repr(u8)]
        pub enum $name {
            $($(#[$of_value])* $value = $number,)+
        }

        impl $name {
            /// All values, in the order of their numbers.
            pub const ALL: [Self; [$($number),+].len()] = [$(Self::$value),+];

            /// The value of a number; `None` when there is none.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Self> {
                Some(match number {
                    $($number => Self::$value,)+
                    _ => return None,
                })
            }

            /// The number: it never changes.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}

pub(crate) use numbered;
