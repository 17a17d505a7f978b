//! The macros that define the axes and [`Dialects`](super::Dialects).

/// A point of the API that is not confirmed.
pub(super) trait Axis: Copy + Default + PartialEq + 'static {
    /// The name of the field of [`Dialects`](super::Dialects).
    const FIELD: &'static str;
    /// Each dialect with its name and its sentence. The first one is the default.
    const DIALECTS: &'static [(Self, &'static str, &'static str)];

    /// The name of this dialect.
    fn name(self) -> &'static str {
        Self::DIALECTS.iter().find(|(dialect, ..)| *dialect == self).map_or("", |(_, name, _)| name)
    }

    /// The dialect with this name.
    fn named(name: &str) -> Option<Self> {
        Self::DIALECTS.iter().find(|(_, known, _)| *known == name).map(|(dialect, ..)| *dialect)
    }
}

/// Makes an enum of each axis from a table.
macro_rules! define_axes {
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

            impl super::define::Axis for $axis {
                const FIELD: &'static str = stringify!($field);
                const DIALECTS: &'static [(Self, &'static str, &'static str)] = &[
                    (Self::$first, $first_name, $first_sentence),
                    $((Self::$value, $name, $sentence),)+
                ];
            }
        )+
    };
}

/// Makes the struct [`Dialects`](super::Dialects) of all axes, and the functions that list and select dialects.
macro_rules! define_dialects {
    ($($field:ident: $axis:ident,)+) => {
        /// One dialect of each axis. The default is the most likely one.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Dialects {
            $(
                #[doc = concat!("The dialect of [`", stringify!($axis), "`].")]
                pub $field: $axis,
            )+
        }

        impl Dialect {
            /// All dialects, axis by axis. The first of an axis is its default.
            #[must_use]
            pub fn all() -> Vec<Self> {
                [$(Self::of_axis::<$axis>(),)+].concat()
            }
        }

        impl Dialects {
            /// The names of the dialects, one for each axis, in the order of [`Dialect::all`].
            #[must_use]
            pub fn names(&self) -> Vec<&'static str> {
                vec![$(self.$field.name(),)+]
            }

            /// Selects the dialect with this name. Returns its axis.
            fn select(&mut self, name: &str) -> Option<&'static str> {
                $(
                    if let Some(dialect) = Axis::named(name) {
                        self.$field = dialect;
                        return Some($axis::FIELD);
                    }
                )+
                None
            }

            /// A random dialect of each axis. The same seed gives the same dialects.
            ///
            /// Some axes change what the brand does, and not only the format of its responses: `addresses_done`,
            /// `address_case`, `xm_directory`, `file_expiry`, `concurrency`, `token_limit`, `contact_put` and
            /// `duplicate_contacts`. A test may have to reset them.
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
