BeforeDiscovery {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $commands = Get-Command -Module AlloyScan.PowerShell | ForEach-Object Name
}

BeforeAll {
    $common = [System.Management.Automation.PSCmdlet]::CommonParameters
}

Describe 'Help of <_>' -ForEach $commands {
    BeforeAll {
        $name = $_
        $help = Get-Help $name -Full
    }

    It 'comes from our help file, not from the syntax alone' {
        $help.Synopsis | Should -Not -BeLike "*$name*``[*"
        $help.Description.Text | Should -Not -BeNullOrEmpty
    }

    It 'has three examples that parse' {
        $examples = @($help.Examples.Example)
        $examples.Count | Should -BeGreaterOrEqual 3
        foreach ($example in $examples) {
            $errors = $null
            $null = [System.Management.Automation.Language.Parser]::ParseInput($example.Code, [ref]$null, [ref]$errors)
            $errors | Should -BeNullOrEmpty
        }
    }

    It 'has examples whose commands and parameters exist' {
        foreach ($example in $help.Examples.Example) {
            $ast = [System.Management.Automation.Language.Parser]::ParseInput($example.Code, [ref]$null, [ref]$null)
            foreach ($call in $ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) {
                $command = Get-Command $call.GetCommandName() -ErrorAction Ignore
                $command | Should -Not -BeNullOrEmpty -Because "the example uses $($call.GetCommandName())"
                foreach ($parameter in $call.CommandElements.Where({ $_ -is [System.Management.Automation.Language.CommandParameterAst] })) {
                    { $command.ResolveParameter($parameter.ParameterName) } | Should -Not -Throw -Because "the example uses -$($parameter.ParameterName)"
                }
            }
        }
    }

    It 'describes each parameter' {
        $parameters = (Get-Command $name).Parameters.Keys | Where-Object { $_ -notin $common }
        foreach ($parameter in $parameters) {
            (Get-Help $name -Parameter $parameter).Description.Text | Should -Not -BeNullOrEmpty -Because "-$parameter needs a word"
        }
    }
}

Describe 'about_AlloyScan' {
    It 'is found by Get-Help' {
        Get-Help about_AlloyScan | Out-String | Should -BeLike '*Connect-AlloyScan*StoreLocked*'
    }
}
