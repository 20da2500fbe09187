//! Everything that looks at several rooms together, as one binary.

mod next_oracle;
