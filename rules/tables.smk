# Tables and figures: aggregations of the per-user and per-image values of all cells.

AXES = {
    "dataset": GRID["datasets"],
    "defense": GRID["defenses"],
    "attack": GRID["attacks"],
    "recommender": GRID["recommenders"],
    "seed": config["seeds"],
}
NOT_CLEAN = GRID["attacks"][1:]
USED = sorted({config["datasets"][d]["catalogue"] for d in GRID["datasets"]})
IMAGE_AXES = {
    "dataset": AXES["dataset"],
    "defense": AXES["defense"],
    "attack": NOT_CLEAN,
}
# Whose clean cells changes are taken from; none for each defense's own.
BASELINE = [config["undefended"]] * (config["metrics"]["baseline"] == "undefended")
TABLES = f"{RESULTS}/tables"


rule aggregate_cells:
    input:
        per_user=expand(f"{CELL}/users.parquet", **AXES),
        baseline=expand(
            f"{CELL}/users.parquet", **{**AXES, "attack": CLEAN, "defense": BASELINE}
        ),
        per_item=expand(f"{CELL}/items.parquet", **AXES),
        references=expand(f"{DATASET}/references.parquet", dataset=AXES["dataset"]),
    output:
        chr=f"{TABLES}/table1.csv",
        changes=f"{TABLES}/changes.csv",
        accuracy=f"{TABLES}/accuracy.csv",
        ranks=f"{TABLES}/item_ranks.csv",
    log:
        f"{RESULTS}/logs/aggregate_cells.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(2 * PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("aggregate_cells.py"),
        axes=json.dumps(AXES),
        cell=verbatim(CELL),
        dataset=verbatim(DATASET),
        k=config["metrics"]["k"],
        counted=config["metrics"]["counted"],
        clean=CLEAN,
        baseline=f"--baseline {BASELINE[0]}" if BASELINE else "",
        confidence=config["metrics"]["confidence"],
        resamples=config["metrics"]["resamples"],
        without=left_out("category_share"),
        seed=config["seed"],
    shell:
        "aggregate_cells.py --axes {params.axes:q} --cell {params.cell:q}"
        " --dataset {params.dataset:q} --k {params.k} --counted {params.counted} --clean {params.clean} {params.baseline}"
        " --confidence {params.confidence} --resamples {params.resamples} {params.without} --seed {params.seed}"
        " --chr {output.chr} --changes {output.changes} --accuracy {output.accuracy} --ranks {output.ranks} 2> {log}"


rule aggregate_images:
    input:
        expand(VISUAL, subset="grid", dataset=AXES["dataset"], defense=AXES["defense"]),
    output:
        f"{TABLES}/table2.csv",
    log:
        f"{RESULTS}/logs/aggregate_images.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("aggregate_images.py"),
        axes=json.dumps(IMAGE_AXES),
        visual=verbatim(VISUAL),
        without=left_out("source_share", "success_rate_not_target"),
    shell:
        "aggregate_images.py --axes {params.axes:q} --visual {params.visual:q}"
        " {params.without} --output {output} 2> {log}"


rule aggregate_extractors:
    input:
        item_ids=expand(f"{CATALOGUE}/items.parquet", catalogue=USED),
        classes=expand(
            f"{FEATURES}/classes.parquet", catalogue=USED, defense=AXES["defense"]
        ),
        names=CLASS_FILE,
    output:
        f"{TABLES}/extractors.csv",
    log:
        f"{RESULTS}/logs/aggregate_extractors.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("aggregate_extractors.py"),
        axes=json.dumps({"catalogue": USED, "defense": AXES["defense"]}),
        catalogue=verbatim(CATALOGUE),
        features=verbatim(FEATURES),
    shell:
        "aggregate_extractors.py --axes {params.axes:q}"
        " --catalogue {params.catalogue:q} --features {params.features:q}"
        " --classes {input.names:q} --output {output} 2> {log}"


rule render_tables:
    input:
        chr=rules.aggregate_cells.output.chr,
        accuracy=rules.aggregate_cells.output.accuracy,
        images=rules.aggregate_images.output,
    output:
        expand(
            f"{TABLES}/{{table}}.{{suffix}}",
            table=["table1", "table2"],
            suffix=["md", "tex", "html"],
        ),
        expand(f"{TABLES}/accuracy.{{suffix}}", suffix=["md", "tex", "html"]),
    log:
        f"{RESULTS}/logs/render_tables.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("render_tables.py"),
        style=json.dumps(config["tables"], sort_keys=True),
        attacks=json.dumps({a: config["attacks"][a] for a in GRID["attacks"]}),
        k=config["metrics"]["k"],
        clean=CLEAN,
        confidence=config["metrics"]["confidence"],
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "render_tables.py --style {params.style:q} --attacks {params.attacks:q}"
        " --k {params.k} --clean {params.clean} --confidence {params.confidence} --chr {input.chr} --accuracy {input.accuracy} --images {input.images}"
        " --folder {params.folder} 2> {log}"
