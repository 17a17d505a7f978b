//! The macro that defines the axes and their dialects from one table.

/// Makes an enum of each axis, the struct [`Dialects`](super::Dialects), and the functions that list and select dialects.
macro_rules! define_dialects {
    ($(
        $(#[$about:meta])*
        $field:ident: $axis:ident {
            $first:ident $first_name:literal $first_sentence:literal,
            $($value:ident $name:literal $sentence:literal,)+
        }
    )+) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub enum $axis {
                #[default]
                #[doc = $first_sentence]
                $first,
                $(
                    #[doc = $sentence]
                    $value,
                )+
            }
        )+

        /// One dialect of each axis. The default is the most likely one.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Dialects {
            $(
                $(#[$about])*
                pub $field: $axis,
            )+
        }

        impl Dialect {
            /// All dialects, axis by axis. The first of an axis is its default.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(
                    Self { axis: stringify!($field), name: $first_name, sentence: $first_sentence, default: true },
                    $(Self { axis: stringify!($field), name: $name, sentence: $sentence, default: false },)+
                )+]
            }
        }

        impl Dialects {
            /// The names of the dialects, one for each axis, in the order of [`Dialect::all`].
            #[must_use]
            pub fn names(&self) -> Vec<&'static str> {
                vec![$(
                    match self.$field {
                        $axis::$first => $first_name,
                        $($axis::$value => $name,)+
                    },
                )+]
            }

            /// Selects the dialect with this name. Returns its axis.
            pub(super) fn select(&mut self, name: &str) -> Option<&'static str> {
                $(
                    match name {
                        $first_name => { self.$field = $axis::$first; return Some(stringify!($field)); }
                        $($name => { self.$field = $axis::$value; return Some(stringify!($field)); })+
                        _ => {}
                    }
                )+
                None
            }

            /// A random dialect of each axis. The same seed gives the same dialects.
            ///
            /// Some axes change what the brand does, and not only the format of its responses: `addresses_done`,
            /// `address_case`, `xm_directory`, `file_expiry`, `concurrency` and `token_limit`. A test may have to reset them.
            #[must_use]
            pub fn random(seed: u64) -> Self {
                let mut rng = SmallRng::seed_from_u64(seed);
                Self {
                    $($field: {
                        let values = [$axis::$first, $($axis::$value),+];
                        values[rng.random_range(0..values.len())]
                    },)+
                }
            }
        }
    };
}

pub(super) use define_dialects;
