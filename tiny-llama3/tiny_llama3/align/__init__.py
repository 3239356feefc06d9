"""From a base model to an assistant: supervised fine-tuning, LoRA, DPO, a reward model, PPO, GRPO, classification."""
