# The target `plan`: what the configuration would cost, from the benchmarks at hand.


rule plan:
    log:
        f"{LOGS}/plan.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    run:
        folder = Path(RESULTS) if Path(RESULTS).is_absolute() else Path(Path(RESULTS).parts[0])
        found = plan.jobs(workflow.rules, workflow.get_rule("all"))
        print(plan.as_text(plan.table(found, folder)))
