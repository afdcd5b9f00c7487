"""The pages that everybody can reach: signed links of readers, sign-up, feeds, health and measures."""
