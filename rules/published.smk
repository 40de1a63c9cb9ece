# The paper's own tables beside ours, and its claims decided on both.

PUBLISHED = content(sorted((BASE / "resources" / "published").glob("*.csv")))
STANDING_FOR = {axis: SET.stands_for(axis) for axis in WITHIN_THREAT}
COMPARES = all(STANDING_FOR.values())
CLAIMS = {"stands_for": STANDING_FOR, "k": config["metrics"]["k"], "clean": GRID.clean}
COMPARISONS = ["published", "published_agreement", "claims"] if COMPARES else []


rule compare_published:
    input:
        table1=rules.aggregate_cells.output.table1,
        table2=rules.aggregate_images.output.table2,
    output:
        comparison=reported(f"{TABLES}/published.csv"),
        agreement=reported(f"{TABLES}/published_agreement.csv"),
        claims=reported(f"{TABLES}/claims.csv"),
    log:
        f"{LOGS}/compare_published.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told(
            "compare_published",
            threats=GRID.names["threat"],
            protocol=config["protocol"],
            **CLAIMS,
        ),
        published=PUBLISHED,
    shell:
        line("compare_published")
