//! The table of rules: what each means, its standard, its innocent explanations and error rate.
