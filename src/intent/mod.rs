//! What the description asks: names, symptoms and times, grounded in what is in the cluster.
