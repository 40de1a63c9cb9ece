"""The page that a researcher opens first: tables and archives, shown in one folder."""
