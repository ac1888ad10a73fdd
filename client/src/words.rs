//! Enums of the server's words.

/// Defines an enum whose variants each are a word, and `Other` for the words of newer servers.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $name:ident { $( $(#[$doc:meta])* $variant:ident = $word:literal, )* }
    ) => {
        $(#[$about])*
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$doc])* $variant, )*
            /// One that this client does not know.
            Other(String),
        }

        impl $name {
            /// The server's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $( $name::$variant => $word, )*
                    $name::Other(word) => word,
                }
            }

            pub(crate) fn of(word: &str) -> $name {
                match word {
                    $( $word => $name::$variant, )*
                    _ => $name::Other(word.to_owned()),
                }
            }
        }
    };
}
