//! The macros that define the axes and their dialects.

/// An unconfirmed point of the API.
pub(super) trait Axis: Copy + PartialEq + 'static {
    /// Its dialects with their names and sentences. The first is its default.
    const DIALECTS: &'static [(Self, &'static str, &'static str)];
}

/// The name of a dialect.
pub(super) fn name_of<A: Axis>(value: A) -> &'static str {
    let known = A::DIALECTS.iter().find(|(dialect, ..)| *dialect == value);
    known.map_or("", |(_, name, _)| name)
}

/// Makes an enum of each axis.
macro_rules! define_axes {
    ($(
        $(#[$about:meta])*
        $axis:ident {
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

            impl $crate::qualtrics::dialects::define::Axis for $axis {
                const DIALECTS: &'static [(Self, &'static str, &'static str)] = &[
                    (Self::$first, $first_name, $first_sentence),
                    $((Self::$value, $name, $sentence),)+
                ];
            }
        )+
    };
}

/// Makes the struct [`Dialects`](super::Dialects), and the functions that list and select dialects.
macro_rules! define_dialects {
    ($($field:ident: $axis:ident,)+) => {
        /// One dialect of each axis. The default is the most likely one.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Dialects {
            $(
                #[doc = concat!("See [`", stringify!($axis), "`].")]
                pub $field: $axis,
            )+
        }

        impl Dialect {
            /// All dialects, axis by axis. The first of an axis is its default.
            #[must_use]
            pub fn all() -> Vec<Self> {
                let mut all = Vec::new();
                $(
                    let dialects = $axis::DIALECTS.iter().enumerate();
                    all.extend(dialects.map(|(n, (_, name, sentence))| {
                        Self { axis: stringify!($field), name, sentence, default: n == 0 }
                    }));
                )+
                all
            }
        }

        impl Dialects {
            /// The names of the dialects, one for each axis, in the order of [`Dialect::all`].
            #[must_use]
            pub fn names(&self) -> Vec<&'static str> {
                vec![$(name_of(self.$field),)+]
            }

            /// Selects the dialect with this name. Returns its axis.
            pub(super) fn select(&mut self, name: &str) -> Option<&'static str> {
                $(
                    if let Some((value, ..)) = $axis::DIALECTS.iter().find(|(_, other, _)| *other == name) {
                        self.$field = *value;
                        return Some(stringify!($field));
                    }
                )+
                None
            }

            /// A random dialect of each axis. The same seed gives the same dialects.
            ///
            /// Some axes change what the brand does, and not only the format of its responses: `addresses_done`,
            /// `address_case`, `export_case`, `contact_search`, `xm_directory`, `file_expiry`, `concurrency`, `token_limit` and `opt_out_mark`. A test may have to reset them.
            #[must_use]
            pub fn random(seed: u64) -> Self {
                let mut rng = SmallRng::seed_from_u64(seed);
                Self {
                    $($field: $axis::DIALECTS[rng.random_range(0..$axis::DIALECTS.len())].0,)+
                }
            }
        }
    };
}

pub(super) use {define_axes, define_dialects};
