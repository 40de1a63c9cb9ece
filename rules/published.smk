# The paper's own tables beside ours, and its claims decided on both.

PUBLISHED = BASE / "resources" / "published"
STANDING_FOR = {
    d: config["datasets"][d]["stands_for"]
    for d in GRID["datasets"]
    if config["datasets"][d]["stands_for"]
}
COMPARISON = (
    expand(
        f"{TABLES}/{{table}}.csv", table=["published", "published_agreement", "claims"]
    )
    if STANDING_FOR
    else []
)


rule compare_published:
    input:
        chr=rules.aggregate_cells.output.chr,
        images=rules.aggregate_images.output,
    output:
        comparison=f"{TABLES}/published.csv",
        agreement=f"{TABLES}/published_agreement.csv",
        claims=f"{TABLES}/claims.csv",
    log:
        f"{RESULTS}/logs/compare_published.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("compare_published.py"),
        published=content(sorted(PUBLISHED.glob("*.csv"))),
        datasets=json.dumps(STANDING_FOR),
        protocol=json.dumps(config["protocol"], sort_keys=True),
        k=config["metrics"]["k"],
        clean=CLEAN,
    shell:
        "compare_published.py --datasets {params.datasets:q} --protocol {params.protocol:q}"
        " --k {params.k} --clean {params.clean} --chr {input.chr} --images {input.images}"
        " --comparison {output.comparison} --agreement {output.agreement}"
        " --claims {output.claims} 2> {log}"
