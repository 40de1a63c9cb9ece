# Figures of the tables, and of attacked images.


rule draw_figures:
    input:
        chr=rules.aggregate_cells.output.table1,
        images=rules.aggregate_images.output.table2,
    output:
        expand(
            f"{FIGURES}/{{figure}}.{{form}}",
            figure=["chr", "success"],
            form=["pdf", "png"],
        ),
    log:
        f"{LOGS}/draw_figures.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "draw_figures",
            labels=config["tables"]["labels"],
            attacks={name: config["attacks"][name] for name in GRID.names["attack"]},
            clean=GRID.clean,
            k=config["metrics"]["k"],
            confidence=config["metrics"]["confidence"],
            folder=FIGURES,
        ),
    shell:
        line("draw_figures")
